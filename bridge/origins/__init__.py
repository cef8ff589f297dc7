"""From what each platform hands over to an `Identity`: one module for each origin."""
