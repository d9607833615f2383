"""The HTTP door of the control plane: routes per noun that translate, authorise and call the engine."""
