"""A team to look at: made once by real actions, then worked in by agents through the MCP door."""
