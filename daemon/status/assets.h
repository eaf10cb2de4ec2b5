/* SPDX-License-Identifier: MIT */
/* assets - page.css and page.js, as the build has put them into assets.c. */
#ifndef DAEMON_STATUS_ASSETS_H
#define DAEMON_STATUS_ASSETS_H

extern const char asset_page_css[], asset_page_js[];

#endif
