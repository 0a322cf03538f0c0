"""What a person types and sees. Alone imports typer and rich."""
