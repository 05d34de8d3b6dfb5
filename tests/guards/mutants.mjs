// What the sources would look like without each guard: `from` must stand in the file exactly once.
// `test` is the beginning of the names in guards.test.mjs; `shows` must be found in how it fails, so that
// a daemon which does not even start proves nothing.

/** One request per connection is a guard of several lines: without them requests come one behind the other. */
const secondRequests = [
  {
    file: 'src/net/front.c',
    from: `	if (!conn || conn->stage != CONN_REQUEST) {
		return -1;
	}
	if (http_method(wsi) == HTTP_OTHER) {`,
    to: `	if (!conn) {
		return -1;
	}
	if (http_method(wsi) == HTTP_OTHER) {`,
  },
  {
    file: 'src/net/front.c',
    from: `	conn_answered(conn);
	return -1;
}

static int on_websocket(`,
    to: `	return lws_http_transaction_completed(wsi);
}

static int on_websocket(`,
  },
  {
    // Answers that say so themselves would hide it: libwebsockets' client side is not asked here.
    file: 'src/net/http.c',
    from: '"connection: close\\r\\n";',
    to: '"";',
  },
];

export const mutants = {
  'h2c-upgrade': {
    test: 'h2c',
    shows: /h2c at|101|preface/,
    edits: [{
      file: 'src/net/front.c',
      from: 'if (strcasecmp(protocol, "websocket")) {',
      to: 'if (!protocol) {',
    }],
  },
  'h2c-alpn': {
    test: 'h2c',
    shows: /h2/,
    edits: [{
      file: 'src/net/server.c',
      from: '.alpn = "http/1.1",',
      to: '.alpn = "h2,http/1.1",',
    }],
  },
  'body': {
    test: 'body',
    shows: /the end of a connection/,
    edits: [
      ...secondRequests,
      {
        file: 'src/net/front.c',
        from: `	if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) ||
		lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING)) {`,
        to: '	if (0) {',
      },
    ],
  },
  'upgrade-uaf': {
    test: 'upgrade-uaf',
    shows: /heap-use-after-free/,
    edits: [
      ...secondRequests,
      {
        file: 'src/net/front.c',
        from: 'if (!lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE)) {',
        to: 'if (0) {',
      },
    ],
  },
  'connect': {
    test: 'connect',
    shows: /the end of a connection: CONNECT/,
    edits: [{
      file: 'src/net/front.c',
      from: `		/* guard connect: CONNECT makes a connection raw and clears all its timeouts. */
		return -1;`,
      to: '		return 0;',
    }],
  },
  'compression': {
    test: 'compression',
    shows: /permessage-deflate/,
    edits: [{
      file: 'src/net/server.c',
      from: '.extensions = NULL,',
      to: `.extensions = (const struct lws_extension[]){{"permessage-deflate",
			lws_extension_callback_pm_deflate, "permessage-deflate"}, {0}},`,
    }],
  },
  'emfile': {
    test: 'emfile',
    shows: /processor time|accept.pause/,
    edits: [{
      file: 'src/net/accept.c',
      from: '	uv_poll_stop(&listener->poll);',
      to: '',
    }],
  },
  'partial': {
    test: 'partial',
    shows: /./,
    edits: [{
      file: 'src/net/ws.c',
      from: 'if (lws_partial_buffered(conn->wsi)) {',
      to: 'if (0) {',
    }],
  },
  'hold': {
    test: 'hold',
    shows: /./,
    edits: [{
      file: 'src/net/hold.c',
      from: '		DL_APPEND2(conn->server->pausing, conn, pause_prev, pause_next);',
      to: '		DL_APPEND2(conn->server->pausing, conn, pause_prev, pause_next);\n		lws_rx_flow_control(conn->wsi, 0);',
    }],
  },
};
