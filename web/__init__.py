"""The workbench: server-rendered pages over the same desk as the API."""
