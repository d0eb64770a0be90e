/*
 * A recipe as lines of words: comments, quoting, `include`, --set, numbers and tags.
 *
 * Does not: know what the words mean (config.c does).
 */
#include "corpus/recipe.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "corpus/util.h"

enum { INCLUDE_DEPTH = 8, EXIT_RECIPE = 2 };

void line_fail(const struct line *line, const char *format, ...)
{
	va_list args;
	if (line->number)
		fprintf(stderr, "%s:%u: ", line->file, line->number);
	else
		fprintf(stderr, "%s: ", line->file);
	if (line->count)
		fprintf(stderr, "%s: ", line->words[0]);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_RECIPE);
}

static void add_word(struct line *line, const char *start, size_t length)
{
	line->words = reallocarray(line->words, line->count + 1, sizeof(*line->words));
	if (!line->words)
		die("out of memory");
	char *word = xcalloc(length + 1, 1);
	memcpy(word, start, length);
	line->words[line->count++] = word;
}

/* Cuts at blanks; "..." keeps blanks; # starts a comment where a word could start. */
static void split_words(struct line *line, const char *text)
{
	char *word = xcalloc(strlen(text) + 1, 1);
	const char *c = text;
	while (true) {
		while (isspace((unsigned char)*c))
			c++;
		if (!*c || *c == '#')
			break;
		size_t length = 0;
		bool quoted = false;
		for (; *c && (quoted || !isspace((unsigned char)*c)); c++) {
			if (*c == '"')
				quoted = !quoted;
			else
				word[length++] = *c;
		}
		if (quoted)
			line_fail(line, "a quotation mark is not closed");
		add_word(line, word, length);
	}
	free(word);
}

static void line_fini(struct line *line)
{
	for (size_t i = 0; i < line->count; i++)
		free(line->words[i]);
	free(line->words);
	*line = (struct line){0};
}

static const char *keep_name(struct recipe *recipe, const char *name)
{
	recipe->files =
		grow(recipe->files, recipe->file_count, &recipe->file_capacity, sizeof(char *));
	recipe->files[recipe->file_count] = xstrdup(name);
	return recipe->files[recipe->file_count++];
}

static void add_line(struct recipe *recipe, struct line line)
{
	recipe->lines =
		grow(recipe->lines, recipe->count, &recipe->capacity, sizeof(*recipe->lines));
	recipe->lines[recipe->count++] = line;
}

static void read_file(struct recipe *recipe, const char *path, unsigned depth);

static void read_include(struct recipe *recipe, struct line *line, unsigned depth)
{
	if (line->count != 2)
		line_fail(line, "wants one file name");
	if (depth >= INCLUDE_DEPTH)
		line_fail(line, "includes are nested more than %d deep", INCLUDE_DEPTH);
	const char *slash = strrchr(line->file, '/');
	int directory = slash && line->words[1][0] != '/' ? (int)(slash - line->file + 1) : 0;
	char *path = xprintf("%.*s%s", directory, line->file, line->words[1]);
	read_file(recipe, path, depth + 1);
	free(path);
}

static void read_file(struct recipe *recipe, const char *path, unsigned depth)
{
	bool from_stdin = strcmp(path, "-") == 0;
	struct line line = {.file = keep_name(recipe, from_stdin ? "<stdin>" : path)};
	FILE *file = from_stdin ? stdin : fopen(path, "r");
	if (!file)
		line_fail(&line, "cannot open: %s", strerror(errno));
	char *text = NULL;
	size_t room = 0;
	unsigned number = 0;
	while (getline(&text, &room, file) >= 0) {
		struct line next = {.file = line.file, .number = ++number};
		split_words(&next, text);
		if (next.count && strcmp(next.words[0], "include") == 0) {
			read_include(recipe, &next, depth);
			line_fini(&next);
		} else if (next.count) {
			add_line(recipe, next);
		}
	}
	free(text);
	if (!from_stdin)
		fclose(file);
}

void recipe_read(struct recipe *recipe, const char *path)
{
	read_file(recipe, path, 0);
}

void recipe_set(struct recipe *recipe, const char *assignment)
{
	struct line line = {.file = keep_name(recipe, "--set")};
	char *text = xstrdup(assignment);
	size_t key = strcspn(text, "= ");
	if (text[key] == '=')
		text[key] = ' ';
	split_words(&line, text);
	free(text);
	if (!line.count)
		line_fail(&line, "wants KEY=VALUE");
	add_line(recipe, line);
}

void recipe_fini(struct recipe *recipe)
{
	for (size_t i = 0; i < recipe->count; i++)
		line_fini(&recipe->lines[i]);
	for (size_t i = 0; i < recipe->file_count; i++)
		free(recipe->files[i]);
	free(recipe->lines);
	free(recipe->files);
	*recipe = (struct recipe){0};
}

const char *line_option(const struct line *line, const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 1; i < line->count; i++) {
		const char *word = line->words[i];
		if (strncmp(word, name, length) == 0 && word[length] == '=')
			return word + length + 1;
	}
	return NULL;
}

bool line_has(const struct line *line, const char *word)
{
	for (size_t i = 1; i < line->count; i++) {
		if (strcmp(line->words[i], word) == 0)
			return true;
	}
	return false;
}

const char *line_word(const struct line *line, size_t index, const char *what)
{
	if (index >= line->count)
		line_fail(line, "%s is missing", what);
	return line->words[index];
}

static unsigned suffix_shift(char suffix)
{
	switch (toupper((unsigned char)suffix)) {
	case 'K': return 10;
	case 'M': return 20;
	case 'G': return 30;
	case 'T': return 40;
	default: return 0;
	}
}

uint64_t parse_number(const struct line *line, const char *text)
{
	char *end = NULL;
	errno = 0;
	uint64_t value = isdigit((unsigned char)*text) ? strtoull(text, &end, 0) : 0;
	if (!end || errno)
		line_fail(line, "'%s' is not a number", text);
	unsigned shift = suffix_shift(*end);
	if (shift)
		end++;
	if (*end || (shift && value >> (64 - shift)))
		line_fail(line, "'%s' is not a number (want 4096, 0x1000, 4K, 2M, 1G, 1T)", text);
	return value << shift;
}

uint64_t parse_percent(const struct line *line, const char *text)
{
	char *end = NULL;
	double value = strtod(text, &end);
	if (end == text || strcmp(end, "%") != 0 || !(value >= 0 && value <= 100))
		line_fail(line, "'%s' is not a percentage from 0%% to 100%%", text);
	return (uint64_t)(value * 10000 + 0.5);
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return found ? (int)(found - digits) : -1;
}

uint32_t parse_tag(const struct line *line, const char *text)
{
	uint32_t tag = 0;
	unsigned count = 0;
	for (const char *c = text; *c; c++, count++) {
		unsigned byte = (unsigned char)*c;
		if (*c == '\\') {
			int high = c[1] == 'x' ? hex_digit(c[2]) : -1;
			int low = high >= 0 ? hex_digit(c[3]) : -1;
			if (low < 0)
				line_fail(line, "tag '%s': a backslash must start \\xNN", text);
			byte = (unsigned)high << 4 | (unsigned)low;
			c += 3;
		}
		if (count < 4)
			tag |= (uint32_t)byte << (8 * count);
	}
	if (count < 1 || count > 4)
		line_fail(line, "tag '%s' has %u bytes, not 1 to 4", text, count);
	for (; count < 4; count++)
		tag |= (uint32_t)' ' << (8 * count);
	return tag;
}

int64_t parse_time(const struct line *line, const char *text)
{
	struct tm tm = {0};
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (!end || *end)
		line_fail(line, "'%s' is not a time (want 2019-06-14T09:21:07Z)", text);
	return (int64_t)timegm(&tm);
}

uint64_t parse_duration(const struct line *line, const char *text)
{
	uint64_t total = 0;
	const char *c = text;
	while (*c) {
		char *end = NULL;
		uint64_t value = isdigit((unsigned char)*c) ? strtoull(c, &end, 10) : 0;
		if (!end)
			line_fail(line, "'%s' is not a duration (want 93784 or 3d4h5m6s)", text);
		uint64_t unit = *end == 'd'   ? 86400
				: *end == 'h' ? 3600
				: *end == 'm' ? 60
				: *end == 's' ? 1
					      : 0;
		if (!unit && *end)
			line_fail(line, "'%s': no such unit of time '%c'", text, *end);
		total += value * (unit ? unit : 1);
		c = unit ? end + 1 : end;
	}
	return total;
}

void line_text(const struct line *line, char **text)
{
	free(*text);
	*text = xstrdup(line_word(line, 1, "a text"));
}

bool line_switch(const struct line *line)
{
	const char *word = line_word(line, 1, "on or off");
	if (strcmp(word, "on") == 0)
		return true;
	if (strcmp(word, "off") != 0)
		line_fail(line, "wants on or off, not '%s'", word);
	return false;
}

uint64_t line_number(const struct line *line, size_t index, uint64_t low, uint64_t high)
{
	const char *word = line_word(line, index, "a number");
	uint64_t value = parse_number(line, word);
	if (value < low || value > high)
		line_fail(line, "%s is outside %llu..%llu", word, (unsigned long long)low,
			  (unsigned long long)high);
	return value;
}

int line_choice(const struct line *line, const struct word_value *choices)
{
	const char *word = line_word(line, 1, "a value");
	for (const struct word_value *c = choices; c->word; c++) {
		if (strcmp(c->word, word) == 0)
			return c->value;
	}
	char *list = xstrdup("");
	for (const struct word_value *c = choices; c->word; c++) {
		char *longer = xprintf("%s%s%s", list, *list ? ", " : "", c->word);
		free(list);
		list = longer;
	}
	line_fail(line, "'%s' is none of: %s", word, list);
}
