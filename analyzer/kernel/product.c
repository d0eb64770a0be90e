/*
 * Names of Windows versions by build number and product type, from Microsoft's lists of releases.
 * Builds between two rows (insider builds) get no name but their number.
 */
#include "analyzer/kernel/describe.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { WORKSTATION = 1, DOMAIN_CONTROLLER = 2, SERVER = 3 };

struct product {
	uint32_t build;
	const char *workstation; /* NULL: none of this build */
	const char *server;
};

static const struct product products[] = {
	{2195, "Windows 2000", "Windows 2000 Server"},
	{2600, "Windows XP", NULL},
	{3790, "Windows XP x64 Edition", "Windows Server 2003"},
	{6000, "Windows Vista", NULL},
	{6001, "Windows Vista", "Windows Server 2008"},
	{6002, "Windows Vista", "Windows Server 2008"},
	{6003, "Windows Vista", "Windows Server 2008"},
	{7600, "Windows 7", "Windows Server 2008 R2"},
	{7601, "Windows 7", "Windows Server 2008 R2"},
	{9200, "Windows 8", "Windows Server 2012"},
	{9600, "Windows 8.1", "Windows Server 2012 R2"},
	{10240, "Windows 10 version 1507", NULL},
	{10586, "Windows 10 version 1511", NULL},
	{14393, "Windows 10 version 1607", "Windows Server 2016"},
	{15063, "Windows 10 version 1703", NULL},
	{16299, "Windows 10 version 1709", "Windows Server version 1709"},
	{17134, "Windows 10 version 1803", "Windows Server version 1803"},
	{17763, "Windows 10 version 1809", "Windows Server 2019"},
	{18362, "Windows 10 version 1903", "Windows Server version 1903"},
	{18363, "Windows 10 version 1909", "Windows Server version 1909"},
	{19041, "Windows 10 version 2004", "Windows Server version 2004"},
	{19042, "Windows 10 version 20H2", "Windows Server version 20H2"},
	{19043, "Windows 10 version 21H1", NULL},
	{19044, "Windows 10 version 21H2", NULL},
	{19045, "Windows 10 version 22H2", NULL},
	{20348, NULL, "Windows Server 2022"},
	{22000, "Windows 11 version 21H2", NULL},
	{22621, "Windows 11 version 22H2", NULL},
	{22631, "Windows 11 version 23H2", NULL},
	{25398, NULL, "Windows Server version 23H2"},
	{26100, "Windows 11 version 24H2", "Windows Server 2025"},
	{26200, "Windows 11 version 25H2", NULL},
};

/* Releases that are one kernel, switched on by a small package: its headers name the first only. */
static const struct {
	uint32_t first, last;
	const char *workstation; /* where no other source tells which of them */
} shared_kernels[] = {
	{18362, 18363, "Windows 10 version 1903 or 1909"},
	{19041, 19045, "Windows 10 version 2004 to 22H2"},
	{22621, 22631, "Windows 11 version 22H2 or 23H2"},
	{26100, 26200, "Windows 11 version 24H2 or 25H2"},
};

enum { SHARED_COUNT = sizeof(shared_kernels) / sizeof(shared_kernels[0]) };

bool product_same_kernel(uint64_t a, uint64_t b)
{
	for (size_t i = 0; i < SHARED_COUNT; i++)
		if (a >= shared_kernels[i].first && a <= shared_kernels[i].last &&
		    b >= shared_kernels[i].first && b <= shared_kernels[i].last)
			return true;
	return a == b;
}

static struct product find_product(uint64_t build, bool exact)
{
	struct product product = {.build = 0};

	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++)
		if (products[i].build == build)
			product = products[i];
	for (size_t i = 0; i < SHARED_COUNT && !exact; i++)
		if (shared_kernels[i].first == build)
			product.workstation = shared_kernels[i].workstation;
	return product;
}

void product_name(uint64_t build, bool exact, const struct fact *type, char *out, size_t size)
{
	struct product product = find_product(build, exact);
	bool server = type->value == DOMAIN_CONTROLLER || type->value == SERVER;

	if (type->known && server && product.server)
		product.workstation = NULL;
	else if (type->known && type->value == WORKSTATION && product.workstation)
		product.server = NULL;
	if (product.workstation && product.server)
		snprintf(out, size, "%s or %s", product.workstation, product.server);
	else if (product.workstation || product.server)
		snprintf(out, size, "%s",
			 product.workstation ? product.workstation : product.server);
	else
		snprintf(out, size, "Windows build %" PRIu64, build);
}
