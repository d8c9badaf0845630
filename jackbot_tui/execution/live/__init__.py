"""Live execution: one executor over ccxt for every venue, and what it needs to tell the truth about each order.

``dialect`` and ``dialects`` hold the venues' differences as data, ``statements`` what a venue says in typed form,
``tracker`` merges that into order events without any I/O, ``client`` makes the calls, ``streams`` listens, ``executor``
is what the engine holds, ``keys`` finds the API keys. ccxt is loaded by ``client`` alone, in a thread, when the engine
goes live.
"""
