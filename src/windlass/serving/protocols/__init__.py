"""The bytes of requests and answers: Open Inference v2, plain rows with MLflow's shapes, and Arrow streams."""
