"""Routes per noun: translate, authorise, call the engine's commands and queries."""
