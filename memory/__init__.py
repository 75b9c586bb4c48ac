"""What is kept: cases, actions, decisions and audit in SQL, past resolutions in Chroma, and feedback."""
