"""Texts and generators that measurements are made on; nothing here decides."""
