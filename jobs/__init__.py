"""When it is computed: one module per job, `run(spark, config)` and `main(argv)`."""
