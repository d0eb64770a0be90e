/*
 * Reading and writing at a place in a file: whole, whatever signals come and however little the
 * system takes at a time. Where the file's own position is, does not matter and stays.
 */
#ifndef PS_BASE_IO_H
#define PS_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** How many of `length` bytes at `offset` were read: fewer at the end only. -1: see errno. */
ssize_t io_read(int fd, void *to, size_t length, uint64_t offset);

/** Writes all of `length` bytes at `offset`. False: see errno. */
bool io_write(int fd, const void *from, size_t length, uint64_t offset);

/**
 * Copies [from, from + length) of file `fd` to place `at` of file `to`, or as far as there is;
 * *ret_done: so many bytes. False: see errno.
 */
bool io_copy(int to, uint64_t at, int fd, uint64_t from, uint64_t length, uint64_t *ret_done);

#endif
