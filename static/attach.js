// Files that go with a text: chosen, dropped on the form, or pasted; each can be taken back before
// it is sent. The input itself holds them, so the form sends them like any other.

const picker = (form) => form?.querySelector("input[type=file][data-attaches]");

// Choosing in the browser's dialog replaces what the input has; here it adds to it.
const held = new WeakMap();
const hold = (input, files) => {
  const all = new DataTransfer();
  for (const file of files) all.items.add(file);
  input.files = all.files;
  held.set(input, [...files]);
  show(input);
};

// Every browser calls a pasted picture the same; versions of one name they are not.
const named = (file, index) => {
  if (!/^image\.\w+$/.test(file.name)) return file;
  const moment = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  const end = file.name.slice(file.name.lastIndexOf("."));
  return new File([file], `pasted ${moment}${index ? ` ${index + 1}` : ""}${end}`, { type: file.type });
};

const show = (input) => {
  const list = input.form.querySelector("[data-attached]");
  list.replaceChildren(...[...input.files].map((file, index) => {
    const row = document.createElement("li");
    const name = document.createElement("span");
    name.className = "truncate";
    name.textContent = file.name;
    const off = document.createElement("button");
    off.type = "button";
    off.className = "link-btn";
    off.textContent = "Remove";
    off.setAttribute("aria-label", `Remove ${file.name}`);
    off.addEventListener("click", () => {
      hold(input, [...input.files].filter((_, at) => at !== index));
      input.focus();
    });
    row.append(name, off);
    return row;
  }));
};

const add = (form, files) => {
  const input = picker(form);
  if (!input || !files.length) return false;
  hold(input, [...input.files, ...files]);
  app.announce(`${files.length === 1 ? files[0].name : `${files.length} files`} attached`);
  return true;
};

document.addEventListener("change", (event) => {
  const input = event.target;
  if (input.matches?.("[data-attaches]")) hold(input, [...(held.get(input) || []), ...input.files]);
});
document.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files || [])].map(named);
  if (add(event.target.closest?.("form"), files)) event.preventDefault();
});
const dropped = (event) => {
  const form = event.target.closest?.("form");
  return picker(form) && event.dataTransfer?.types.includes("Files") ? form : null;
};
document.addEventListener("dragover", (event) => {
  if (dropped(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const form = dropped(event);
  if (!form) return;
  event.preventDefault();
  add(form, [...event.dataTransfer.files]);
});
document.addEventListener("reset", (event) => {
  const input = picker(event.target);
  if (input) setTimeout(() => hold(input, []));
});

app.files = { forget: (form) => picker(form) && hold(picker(form), []) };
