/*
 * Talks to the process that unpacks: orders to it, and messages from it, each of which is held
 * against what it can be.
 */
#include "formats/pack/unpacker_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/signals.h"

enum {
	WORK_SECONDS = 30, /* without a message: the process hangs */
	WAIT_SECONDS = 300,
	SOCKET_BYTES = 4 << 20,
};

static enum ps_status not_understood(struct unpack *u, struct ps_error *err)
{
	u->lost = true;
	return ps_fail(err, PS_CORRUPT, "the unpacking process lost its way in it");
}

static enum ps_status gone(struct unpack *u, struct ps_error *err)
{
	u->lost = true;
	*err = u->child.error;
	return err->status;
}

enum ps_status unpack_begin(struct unpack *u, struct file *file, enum pack_kind kind,
			    const char *password, struct ps_error *err)
{
	int room = SOCKET_BYTES;

	*u = (struct unpack){.given = {file, kind, password}};
	child_init(&u->child, "the unpacking process");
	u->data = malloc(DATA_MOST);
	if (!u->data)
		return ps_fail_memory(err, "the unpacking of an archive");
	if (child_start(&u->child, unpacker_run, &u->given, err) != PS_OK)
		return err->status;
	setsockopt(u->child.socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return PS_OK;
}

void unpack_end(struct unpack *u)
{
	child_end(&u->child);
	free(u->data);
	u->data = NULL;
}

static enum ps_status receive(struct unpack *u, void *to, size_t length, struct ps_error *err)
{
	char *next = to;

	while (length > 0) {
		ssize_t got = recv(u->child.socket, next, length, MSG_DONTWAIT);

		if (got > 0) {
			next += got;
			length -= (size_t)got;
		} else if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
			if (child_await(&u->child, WORK_SECONDS, WAIT_SECONDS) != CHILD_ANSWERED)
				return gone(u, err);
		} else {
			child_died(&u->child);
			return gone(u, err);
		}
	}
	return PS_OK;
}

static enum ps_status receive_error(struct unpack *u, struct ps_error *err)
{
	struct unpacker_error told;

	if (receive(u, &told, sizeof(told), err) != PS_OK)
		return err->status;
	if (told.status == PS_OK || told.status > PS_INTERNAL ||
	    told.trouble > TROUBLE_WRONG_PASSWORD)
		return not_understood(u, err);
	told.text[sizeof(told.text) - 1] = '\0';
	u->lost = told.lost != 0;
	u->trouble = (enum reader_trouble)told.trouble;
	return ps_fail(err, (enum ps_status)told.status, "%s", told.text);
}

/* Its error is returned; of the others, what is behind it is still to be received. */
static enum ps_status receive_message(struct unpack *u, struct message *ret, struct ps_error *err)
{
	static const uint32_t lengths[] = {
		[MESSAGE_MEMBER] = sizeof(struct member),
		[MESSAGE_ERROR] = sizeof(struct unpacker_error),
	};

	if (signals_interrupted())
		return ps_fail(err, PS_INTERRUPTED, "interrupted");
	if (receive(u, ret, sizeof(*ret), err) != PS_OK)
		return err->status;
	if (ret->type > MESSAGE_ERROR)
		return not_understood(u, err);
	if (ret->type == MESSAGE_DATA ? ret->length == 0 || ret->length > DATA_MOST ||
						ret->offset > UINT64_MAX - ret->length
				      : ret->length != lengths[ret->type])
		return not_understood(u, err);
	u->consumed = ret->consumed;
	return ret->type == MESSAGE_ERROR ? receive_error(u, err) : PS_OK;
}

enum ps_status unpack_next(struct unpack *u, struct member *ret, bool *ret_end,
			   struct ps_error *err)
{
	struct message message;

	if (receive_message(u, &message, err) != PS_OK)
		return err->status;
	*ret_end = message.type == MESSAGE_DONE;
	if (*ret_end)
		return PS_OK;
	if (message.type != MESSAGE_MEMBER)
		return not_understood(u, err);
	if (receive(u, ret, sizeof(*ret), err) != PS_OK)
		return err->status;
	ret->name[MEMBER_NAME - 1] = '\0';
	ret->packing[MEMBER_PACKING - 1] = '\0';
	return ret->type <= MEMBER_OTHER ? PS_OK : not_understood(u, err);
}

enum ps_status unpack_order(struct unpack *u, enum unpacker_order order, struct ps_error *err)
{
	char byte = (char)order;

	if (send(u->child.socket, &byte, 1, MSG_NOSIGNAL) == 1)
		return PS_OK;
	child_died(&u->child);
	return gone(u, err);
}

enum ps_status unpack_receive(struct unpack *u, enum message_type *ret, size_t *ret_length,
			      uint64_t *ret_offset, struct ps_error *err)
{
	struct message message;

	if (receive_message(u, &message, err) != PS_OK)
		return err->status;
	if (message.type == MESSAGE_MEMBER || message.type == MESSAGE_DONE)
		return not_understood(u, err);
	if (message.type == MESSAGE_DATA && receive(u, u->data, message.length, err) != PS_OK)
		return err->status;
	*ret = (enum message_type)message.type;
	*ret_length = message.length;
	*ret_offset = message.offset;
	return PS_OK;
}
