"""The jobs: one module each, with `run(spark, config)` and `main(argv)`."""
