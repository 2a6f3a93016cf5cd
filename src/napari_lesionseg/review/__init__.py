"""What a reviewer sees and does, without a screen."""
