"""What happens when a panel asks for something: one presenter a panel, methods of a few lines."""
