"""Pure view code: pictures in, rows of coloured text out. No Textual, no link, no clock of its own."""
