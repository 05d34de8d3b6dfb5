// What the sources would look like without each guard: `from` must stand in the file exactly once.
// `test` is the beginning of the names in guards.test.mjs; `shows` must match the lines that say how it failed,
// so that a daemon which does not even start proves nothing. Where not all versions of libwebsockets fail alike,
// `shows` has for each version from which on what; null is a fault that is not in those, and then the test passes.

/** After an answer the connection ends; only without this line is there a second request to be guarded against. */
const secondRequests = {
  file: 'src/net/front.c',
  from: `	return -1;
}

static int on_websocket(`,
  to: `	return lws_http_transaction_completed(wsi);
}

static int on_websocket(`,
};

export const mutants = {
  'request-line': {
    test: 'request-line',
    shows: /let in/,
    edits: [{
      file: 'src/net/gate/gate.c',
      from: 'if (!head->protocol || strncmp(head->protocol, "HTTP/1.", strlen("HTTP/1.")) != 0) {',
      to: 'if (0) {',
    }],
  },
  'request-line-version': {
    test: 'request-line',
    shows: /HTTP\/1\.1 was let in/,
    edits: [{
      file: 'src/net/context.c',
      from: '		.token_limits = &limits,\n',
      to: '		.token_limits = &(const struct lws_token_limits){limits.token_limit[0]},\n',
    }],
  },
  'null': {
    test: 'null',
    shows: { '4.1': null, '4.3': /let in/ },
    edits: [{
      file: 'src/net/gate/gate.c',
      from: 'if (head->has_null) {',
      to: 'if (0) {',
    }],
  },
  'h2c-upgrade': {
    test: 'h2c',
    shows: /error: 'plain \/'/,
    edits: [{
      file: 'src/net/front.c',
      from: 'if (strcasecmp(protocol, "websocket")) {',
      to: 'if (!protocol) {',
    }],
  },
  'h2c-alpn': {
    test: 'h2c',
    shows: /strictly unequal to: 'h2'/,
    edits: [{
      file: 'src/net/context.c',
      from: '.alpn = "http/1.1",',
      to: '.alpn = "h2,http/1.1",',
    }],
  },
  'body': {
    test: 'body',
    shows: {
      '4.1': /the daemon ended with SIGKILL/, // SIGTERM did not reach it
      '4.3': /error: 'the end of a connection: .*: not within/,
    },
    edits: [
      secondRequests,
      {
        file: 'src/net/front.c',
        from: `	if (!conn || conn->stage != CONN_REQUEST) {
		return -1;
	}
	read_head(&head, &text, wsi);
	if (head.method == HEAD_OTHER) {`,
        to: `	read_head(&head, &text, wsi);
	if (head.method == HEAD_OTHER) {`,
      },
      {
        file: 'src/net/front.c',
        from: '	if (head.has_body) {',
        to: '	if (0) {',
      },
    ],
  },
  'upgrade-uaf': {
    test: 'upgrade-uaf',
    shows: { '4.1': /heap-use-after-free/, '4.3': /one answer for each connection/ },
    edits: [
      secondRequests,
      {
        file: 'src/net/front.c',
        from: 'if (!lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE)) {',
        to: 'if (0) {',
      },
    ],
  },
  'connect': {
    test: 'connect',
    shows: /error: 'the end of a connection: CONNECT .*: not within/,
    edits: [{
      file: 'src/net/front.c',
      from: `		/* guard connect: CONNECT makes a connection raw and clears all its timeouts. */
		return -1;`,
      to: '		return 0;',
    }],
  },
  'compression': {
    test: 'compression',
    shows: /^ *actual: 'permessage-deflate/m,
    edits: [{
      file: 'src/net/context.c',
      from: '.extensions = NULL,',
      to: `.extensions = ({static const struct lws_extension all[] = {{"permessage-deflate",
			lws_extension_callback_pm_deflate, "permessage-deflate"}, {0}}; all;}),`,
    }],
  },
  'emfile': {
    test: 'emfile',
    shows: /error: 'the daemon wants .* in an idle second'/,
    edits: [{
      file: 'src/net/socket/accept.c',
      from: '	uv_poll_stop(&listener->poll);',
      to: '',
    }],
  },
  // As if libwebsockets could be given a descriptor that we still watch.
  'one-poll': {
    test: 'one-poll',
    shows: /AddressSanitizer|the daemon ended with SIG|not within/,
    edits: [
      {
        file: 'src/net/socket/accept.c',
        from: '	uv_close((uv_handle_t *)&waiting->poll, on_waiting_closed);',
        to: `	if (done) {
		conn_adopt(&waiting->accepted);
	}
	uv_close((uv_handle_t *)&waiting->poll, on_waiting_closed);`,
      },
      {
        file: 'src/net/socket/accept.c',
        from: '	if (!waiting->done) {',
        to: `	if (waiting->done && waiting->wait != WAIT_TURN) {
		memory_give(MEMORY_CONNECTIONS, cost(waiting));
		free(waiting);
		return;
	}
	if (!waiting->done) {`,
      },
    ],
  },
  'partial-check': {
    test: 'partial',
    shows: /error: 'message [0-9,]+: the connection ended/,
    edits: [{
      file: 'src/net/ws/ws.c',
      from: 'if (lws_partial_buffered(conn->wsi)) {',
      to: 'if (0) {',
    }],
  },
  // As libwebsockets wants it used: it makes the frame. One that goes out in parts, and another behind it.
  'partial-framed': {
    test: 'partial',
    shows: /error: '(the server sent a wrong frame|message \d+ of sender|message [0-9,]+: the connection ended)/,
    edits: [
      {
        file: 'src/net/ws/ws.c',
        from: 'if (lws_partial_buffered(conn->wsi)) {',
        to: 'if (0) {',
      },
      {
        file: 'src/net/ws/ws.c',
        from: '	if (ready == 1 || frame->len > WS_BURST) {',
        to: `	if (1) {
		static const enum lws_write_protocol kinds[16] = {[1] = LWS_WRITE_TEXT,
			[2] = LWS_WRITE_BINARY, [9] = LWS_WRITE_PING};
		size_t head = frame->bytes[1] < 126 ? 2 : frame->bytes[1] == 126 ? 4 : 10;
		unsigned char *copy = malloc(LWS_PRE + frame->len);

		memcpy(copy + LWS_PRE, frame->bytes + head, frame->len - head);
		outbox_pop(outbox);
		done = lws_write(conn->wsi, copy + LWS_PRE, frame->len - head,
			       kinds[frame->bytes[0] & 15]) >= 0;
		free(copy);
		frame_unref(frame);
		return done;
	}
	if (ready == 1 || frame->len > WS_BURST) {`,
      },
    ],
  },
  'unheard': {
    test: 'unheard',
    shows: {
      '4.1': /error: '(connecting|an echo|the WebSocket handshake).*: not within|the daemon ended with SIGKILL/,
      '4.3': /error: 'the daemon wants .* in an idle second'/,
    },
    edits: [{
      file: 'src/net/ws/reading.c',
      from: 'if (!conn->unheard) {\n\t\tconn->unheard = true;',
      to: 'if (0) {\n\t\tconn->unheard = true;',
    }],
  },
  'unheard-plain': {
    test: 'unheard',
    shows: /error: 'the daemon wants .* in an idle second'/,
    edits: [{
      file: 'src/net/ws/reading.c',
      from: 'if (!conn->unheard) {\n\t\tconn->unheard = true;',
      to: 'if (conn->tls && !conn->unheard) {\n\t\tconn->unheard = true;',
    }],
  },
  'download': {
    test: 'download',
    shows: { '4.1': /error: 'the daemon wants .* in an idle second'/, '4.3': null },
    edits: [{
      file: 'src/net/http/download.c',
      from: '	uv_poll_start(&download->poll, UV_READABLE, on_readable);\n',
      to: '	(void)on_readable;\n',
    }],
  },
  'hold': {
    test: 'hold',
    shows: { '4.1': /the daemon ended with SIGKILL/, '4.3': /error: 'message \d+: not within/ },
    edits: [
      {
        file: 'src/net/ws/counting.c',
        from: `		meter_add(meter, 1);
		pacing_hold(conn, HOLD_PENDING);`,
        to: `		meter_add(meter, 1);
		pacing_hold(conn, HOLD_UNREAD);
		pace_of(conn)->hold(conn);`,
      },
      {
        file: 'src/net/ws/reading.c',
        from: 'if (ssl && SSL_pending(ssl)) {',
        to: 'if (0) {',
      },
    ],
  },
};
