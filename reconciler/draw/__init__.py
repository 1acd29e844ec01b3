"""Pictures of composite layouts: one scene, drawn as SVG, PNG or characters."""
