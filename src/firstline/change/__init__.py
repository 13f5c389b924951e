"""Change requests: of which type, through which states, in which words. Rules only; nothing here asks or keeps."""
