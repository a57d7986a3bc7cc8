"""How much of the time a device or a point was there: counted by the local day, and open to being counted again."""
