"""Every limit on foreign input, in one place, each with its reason."""

SPEC_BYTES_MAX = 1 << 20  # a file of people's hands is a few kilobytes; a megabyte is already a generated mistake
SPEC_DEPTH_MAX = 20  # deeper nesting is never meant, and deep enough nesting crashes the YAML library
SPEC_VALUES_MAX = 20_000  # reading this many takes half a second; longer lists are data and belong into a file
COMPLAINTS_MAX = 50  # more than anybody corrects in one go; a generated mistake has thousands
SERVICES_PER_REPOSITORY_MAX = 200  # a plan of one pass stays under a second
TREE_FILES_MAX = 100_000  # reading a larger tree would hold up every other service
BLOB_BYTES_MAX = 2 << 30  # larger files belong into a store, named by a URL
REQUEST_BODY_BYTES_MAX = 64 << 20  # a million rows of eight numbers as JSON
REQUEST_ROWS_MAX = 100_000  # one request must not hold a replica for seconds
LOG_BYTES_MAX = 64 << 20  # the head and the tail of a longer log are what anybody reads
JOURNAL_RESERVED_BYTES = 64 << 20  # a person's act must be stored although the disk is full
SOCKET_PATH_BYTES_MAX = 90  # a socket's path holds 107 bytes, and the gateway adds to it
REPLICAS_MAX = 64  # one machine; more is a mistake of the hand until there are more machines
