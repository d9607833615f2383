"""Simulated time, faults and text sessions around the real engine."""
