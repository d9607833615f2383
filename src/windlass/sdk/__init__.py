"""What users import: decorators and the HTTP client; light, and no server needed."""
