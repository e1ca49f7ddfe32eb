"""An HTTP API, MCP and pages over one memory: what they share."""
