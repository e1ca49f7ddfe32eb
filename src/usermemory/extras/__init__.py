"""What not everybody needs, loaded when it is used: rules without a model, importers, and more."""
