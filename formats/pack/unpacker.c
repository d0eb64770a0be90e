/*
 * The process that reads an archive: it has the archive and a socket, and may write no file. What
 * it does with a member its client says.
 */
#include "formats/pack/unpacker.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "formats/child.h"

/* The dictionaries of 7z and xz are up to 1.5 GiB. */
static const uint64_t memory_most = (uint64_t)2 << 30;

enum { TICK_BYTES = 64 << 20 };

struct talk {
	int socket;
	struct reader *reader;
};

/* Its client is gone: nobody is left to be told. */
static void give_up(void)
{
	_exit(0);
}

static void send_all(int socket, const void *data, size_t length)
{
	const char *next = data;

	while (length > 0) {
		ssize_t put = send(socket, next, length, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			give_up();
		next += put;
		length -= (size_t)put;
	}
}

static void tell(const struct talk *talk, enum message_type type, const void *data, size_t length,
		 uint64_t offset)
{
	struct message message = {.type = (uint32_t)type, .length = (uint32_t)length};

	message.offset = offset;
	message.consumed = talk->reader ? reader_consumed(talk->reader) : 0;
	send_all(talk->socket, &message, sizeof(message));
	send_all(talk->socket, data, length);
}

static enum unpacker_order take_order(const struct talk *talk)
{
	char order;
	ssize_t got;

	do
		got = recv(talk->socket, &order, 1, 0);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		give_up();
	return (enum unpacker_order)order;
}

static void tell_error(const struct talk *talk, const struct ps_error *error)
{
	struct unpacker_error told = {.status = (uint32_t)error->status, .lost = true};

	if (talk->reader) {
		told.trouble = (uint32_t)reader_trouble(talk->reader);
		told.lost = reader_is_lost(talk->reader);
	}
	snprintf(told.text, sizeof(told.text), "%.500s", error->text);
	tell(talk, MESSAGE_ERROR, &told, sizeof(told), 0);
}

static void tell_data(const struct talk *talk, const char *data, size_t length, uint64_t offset)
{
	while (length > 0) {
		size_t part = length < DATA_MOST ? length : DATA_MOST;

		tell(talk, MESSAGE_DATA, data, part, offset);
		data += part;
		offset += part;
		length -= part;
	}
}

/* Bytes that nobody wants; in a solid archive they must be unpacked for those behind them. */
static bool pass_over(const struct talk *talk, struct ps_error *err)
{
	uint64_t offset, ticked = 0;
	const void *data;
	size_t length;

	if (reader_can_skip(talk->reader))
		return true;
	do {
		if (reader_block(talk->reader, &data, &length, &offset, err) != PS_OK)
			return false;
		if (offset + length - ticked >= TICK_BYTES) {
			ticked = offset + length;
			tell(talk, MESSAGE_TICK, NULL, 0, ticked);
		}
	} while (length > 0);
	return true;
}

static bool serve_member(const struct talk *talk, enum unpacker_order order, struct ps_error *err)
{
	const void *data;
	uint64_t offset;
	size_t length;

	for (;;) {
		if (order == ORDER_SKIP)
			return pass_over(talk, err);
		if (reader_block(talk->reader, &data, &length, &offset, err) != PS_OK)
			return false;
		if (length == 0)
			return true;
		tell_data(talk, data, length, offset);
		if (order == ORDER_PEEK && offset + length >= PEEK_BYTES) {
			tell(talk, MESSAGE_WAIT, NULL, 0, 0);
			order = take_order(talk);
		}
	}
}

/* False when there is none, or no other can be read. */
static bool serve_next(const struct talk *talk)
{
	struct ps_error error = PS_ERROR_INIT;
	struct member member;
	bool end = false;

	if (reader_next(talk->reader, &member, &end, &error) != PS_OK) {
		tell_error(talk, &error);
		return false;
	}
	if (end) {
		tell(talk, MESSAGE_DONE, NULL, 0, 0);
		return false;
	}
	tell(talk, MESSAGE_MEMBER, &member, sizeof(member), 0);
	if (serve_member(talk, take_order(talk), &error)) {
		tell(talk, MESSAGE_END, NULL, 0, 0);
		return true;
	}
	tell_error(talk, &error);
	return !reader_is_lost(talk->reader);
}

void unpacker_run(void *context, int socket, int parent)
{
	const struct unpacker *unpacker = context;
	struct ps_error error = PS_ERROR_INIT;
	struct talk talk = {.socket = socket};

	child_fence(unpacker->file->fd, socket, parent, memory_most);
	if (reader_open(unpacker->file, unpacker->kind, unpacker->password, &talk.reader, &error) !=
	    PS_OK) {
		talk.reader = NULL;
		tell_error(&talk, &error);
	} else {
		while (serve_next(&talk))
			;
	}
	/* No destructors: memory goes with the process, and what damaged it may crash them. */
	_exit(0);
}
