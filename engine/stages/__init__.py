"""What happens to a frame, in the order data meets it: prompt, steer, compose, render."""
