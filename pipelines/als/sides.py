"""The two sides of a fit, users and items, and what tables call them."""

SIDES = ("users", "items")
ENTITY = {"users": "user", "items": "item"}  # a side's value in column `entity` of `vectors`
IDS = {"users": "user_ids", "items": "item_ids"}  # the table of a side's keys and dense ids


def opposite_side(side: str) -> str:
    """Return `items` for `users`, `users` for `items`."""
    return {"users": "items", "items": "users"}[side]


def opposite_entity(entity: str) -> str:
    """Return `item` for `user`, `user` for `item`."""
    return {"user": "item", "item": "user"}[entity]
