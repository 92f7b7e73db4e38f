"""What the services of the room share: things found by name, which others may make or delete at the same time."""

from cumulo.identity.room import Room
from cumulo.queue_service.queues import DirectoryChanged


class NamedRoom(Room):
    """A room whose functions raise `DirectoryChanged` where a name leads elsewhere than when it was followed: then the
    request is resolved anew, from the name on.
    """

    resolved_anew = (DirectoryChanged,)
    resolves_max = 3
    changes = "The number of changes of one name at once"
