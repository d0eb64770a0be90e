/*
 * What surrounds the page's content: page.css and page.js, which the build turns into strings, and
 * the policy that lets a browser run these two and load nothing at all.
 *
 * The policy names them by their SHA-256: a text from a dump that got past the escaping could
 * neither run nor load anything. Whoever changes one of the files gets the new value from
 * `make check-html`.
 */
#include "analyzer/report/html.h"

static const char style[] =
#include "analyzer/report/page.css.inc"
	;

static const char script[] =
#include "analyzer/report/page.js.inc"
	;

static const char policy[] = "default-src 'none'; base-uri 'none'; form-action 'none'; "
			     "style-src 'sha256-GSbmrwUlex4rZibYG19fKetaxdFqbtOWFjw+2kONsms='; "
			     "script-src 'sha256-enRMz9eKza4YAn5W7VKSq7Aq8mTFIbGP+4LE1wRqgys='";

void html_page_head(struct html *h)
{
	html_raw(h, "<meta http-equiv=\"Content-Security-Policy\" content=\"");
	html_raw(h, policy);
	html_raw(h, "\">\n<meta name=\"viewport\" content=\"width=device-width, "
		    "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
		    "<meta name=\"referrer\" content=\"no-referrer\">\n<style>");
	html_raw(h, style);
	html_raw(h, "</style>\n");
}

void html_page_script(struct html *h)
{
	html_raw(h, "<script>");
	html_raw(h, script);
	html_raw(h, "</script>\n");
}
