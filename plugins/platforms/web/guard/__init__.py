"""What stands before every route: who may ask, from where, how much, how often; and what a browser may do with it."""
