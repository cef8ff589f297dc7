"""How fast the bridge is, each time against what one would write without it: ``make bench``.

A benchmark is a function that takes a `Bed` and yields a `Result` or several; a module lists its
own under ``BENCHES``, by name, and ``__main__`` lists the modules. Both sides of a ratio are
measured in the same run, in turns, and the medians are compared. Nothing is tuned to the bar: a
miss is printed like everything else.
"""
