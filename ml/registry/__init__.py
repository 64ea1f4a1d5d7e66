"""What is kept of models: every training as a run in MLflow, versions, and which of them is the champion."""
