/*
 * The process that unpacks as its client sees it. What it sends is checked: it may be in the hands
 * of who made the archive. Private to this room.
 *
 * Ownership: unpack_begin() starts the process, unpack_end() ends it and frees all.
 */
#ifndef PS_FORMATS_PACK_UNPACKER_LINK_H
#define PS_FORMATS_PACK_UNPACKER_LINK_H

#include "formats/child.h"
#include "formats/pack/unpacker.h"

struct unpack {
	struct unpacker given;
	struct child child;
	uint64_t consumed; /* bytes of the archive, as the process says */
	bool lost;         /* the error was the archive's, not only the member's */
	enum reader_trouble trouble;
	uint8_t *data; /* owned; DATA_MOST bytes */
};

/** The file is borrowed, and the password, which may be NULL. unpack_end() also when it fails. */
enum ps_status unpack_begin(struct unpack *u, struct file *file, enum pack_kind kind,
			    const char *password, struct ps_error *err);
void unpack_end(struct unpack *u);

/** The next member; *ret_end true and no member behind the last. Then an order is due. */
enum ps_status unpack_next(struct unpack *u, struct member *ret, bool *ret_end,
			   struct ps_error *err);

enum ps_status unpack_order(struct unpack *u, enum unpacker_order order, struct ps_error *err);

/**
 * The answer to PEEK and EXPAND, piece by piece: MESSAGE_DATA with `*ret_length` bytes in u->data
 * that belong to *ret_offset, MESSAGE_WAIT when an order is due, MESSAGE_END. The answer to SKIP
 * has MESSAGE_TICK and MESSAGE_END only.
 */
enum ps_status unpack_receive(struct unpack *u, enum message_type *ret, size_t *ret_length,
			      uint64_t *ret_offset, struct ps_error *err);

#endif
