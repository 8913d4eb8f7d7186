// The page's behaviours. Each is bound once, by delegation on document, and found through data-
// attributes, so that a fragment swapped in later needs no start of its own.
