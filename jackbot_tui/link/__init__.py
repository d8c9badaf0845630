"""The desk's face to clients: a Unix socket (mode 0600) with framed messages, and its in-process twin for ``--embed``.

Pictures are pulled by the client, one request in flight; notices (order events) are pushed and never dropped. No
Textual, no trading rules.
"""
