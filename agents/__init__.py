"""The people of the graph: each node a file, graph.py the map, desk.py the ports they work through."""
