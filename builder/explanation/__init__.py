"""What a network looks at: class activation maps over pictures, and the filters of its first layer."""
