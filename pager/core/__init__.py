"""The pure core: plain values in, plain values out, `now` always an argument."""
