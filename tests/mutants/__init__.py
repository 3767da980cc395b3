"""Valid inputs, damaged in every way that comes to mind, through every parser that reads what strangers send."""
