/*
 * What the process that unpacks and its client say to each other over a socket. Private to
 * unpacker.c and unpacker_link.c.
 *
 * The process tells of a member and waits for one byte: what to do with it. Then come its bytes, as
 * pieces; after the first ones (PEEK) it waits for a byte again. Then it tells of the next member.
 */
#ifndef PS_FORMATS_PACK_UNPACKER_H
#define PS_FORMATS_PACK_UNPACKER_H

#include "formats/pack/reader.h"

enum {
	PEEK_BYTES = 1 << 16, /* of a member that tell what it is */
	DATA_MOST = 1 << 18,  /* bytes of one piece */
};

/** What to do with a member. */
enum unpacker_order { ORDER_SKIP = 's', ORDER_PEEK = 'p', ORDER_EXPAND = 'x' };

enum message_type {
	MESSAGE_MEMBER, /* behind it: struct member */
	MESSAGE_DATA,   /* behind it: `length` bytes of the member, at `offset` */
	MESSAGE_WAIT,   /* it was peeked into, and there is more: SKIP or EXPAND? */
	MESSAGE_TICK,   /* bytes are being passed over */
	MESSAGE_END,    /* of the member */
	MESSAGE_DONE,   /* of the archive */
	MESSAGE_ERROR,  /* behind it: struct unpacker_error; of the member, or of all */
};

struct message {
	uint32_t type;   /* enum message_type */
	uint32_t length; /* of what is behind it */
	uint64_t offset;
	uint64_t consumed; /* bytes of the archive */
};

struct unpacker_error {
	uint32_t status;  /* enum ps_status */
	uint32_t trouble; /* enum reader_trouble */
	uint32_t lost;    /* no further member can be read */
	char text[512];
};

/** What it is given when it starts; it must stay where it is until then. */
struct unpacker {
	struct file *file;
	enum pack_kind kind;
	const char *password; /* may be NULL */
};

/** The life of the process: `context` is a struct unpacker. See child_main in formats/child.h. */
void unpacker_run(void *context, int socket, int parent);

#endif
