"""What users write: text to a tree with positions, to manifests, to what is desired."""
