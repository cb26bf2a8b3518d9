"""Commands of ``amplify`` in files of their own; what is heavy is imported when they run."""
