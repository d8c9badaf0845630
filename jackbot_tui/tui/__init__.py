"""The Textual screen: a client of the engine that draws pictures pulled over the link and sends lines of the language.

``main.run_screen`` is the door. Nothing here decides about money, keeps an order or talks to an exchange; this file
imports nothing, so that the door can set Textual's environment before Textual is loaded.
"""
