"""Operations by subject. A view parses, calls one action and shapes its result."""
