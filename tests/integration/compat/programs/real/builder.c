// SPDX-License-Identifier: MIT
/*
 * A program of its own kind that uses the half of libnetfilter_queue which only
 * builds and reads messages, with sockets of libmnl's: nfq_nlmsg_*, pktb_* and
 * nfq_udp_*. The first word of a datagram says what becomes of it:
 *
 *	drop, mark N, change TEXT, batch (waits for the next word), quit
 *
 *	builder QUEUE
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <libnetfilter_queue/libnetfilter_queue_ipv4.h>
#include <libnetfilter_queue/libnetfilter_queue_udp.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdbool.h>		/* before pktbuff.h, which has need of it */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libnetfilter_queue/pktbuff.h>

static struct mnl_socket *sock;
static unsigned int queue, port;
static bool done;

static void leave(const char *what)
{
	printf("%s: %s\n", what, strerror(errno));
	exit(1);
}

static void message_send(const struct nlmsghdr *message)
{
	if (mnl_socket_sendto(sock, message, message->nlmsg_len) < 0)
		leave("send");
}

/* Have the kernel answer, and print what it says. */
static void ask(const char *what, struct nlmsghdr *message)
{
	char answer[8192];
	int len, err;

	message->nlmsg_flags |= NLM_F_ACK;
	message->nlmsg_seq = 77;
	message_send(message);
	len = mnl_socket_recvfrom(sock, answer, sizeof(answer));
	err = len < 0 ? -1 : mnl_cb_run(answer, len, 77, port, NULL, NULL);
	printf("%s: %s\n", what, err < 0 ? strerror(errno) : "done");
}

static void configure(void)
{
	char data[8192];
	struct nlmsghdr *message = nfq_nlmsg_put(data, NFQNL_MSG_CONFIG, queue);

	nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_BIND);
	ask("bind", message);
	message = nfq_nlmsg_put(data, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_qmaxlen(message, 200);
	ask("length", message);
	message = nfq_nlmsg_put(data, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(message, NFQNL_COPY_PACKET, 0xffff);
	ask("mode", message);
	fflush(stdout);
}

static void unbind(void)
{
	char data[8192];
	struct nlmsghdr *message = nfq_nlmsg_put(data, NFQNL_MSG_CONFIG, queue);

	nfq_nlmsg_cfg_put_cmd(message, AF_INET, NFQNL_CFG_CMD_UNBIND);
	ask("unbind", message);
}

/* The datagram's text is to be another; lengths and checksums are the library's work. */
static void change(struct nlmsghdr *message, void *payload, size_t len, size_t text_len, const char *text)
{
	struct pkt_buff *packet = pktb_alloc(AF_INET, payload, len, 256);

	if (!packet)
		leave("pktb_alloc");
	nfq_ip_set_transport_header(packet, nfq_ip_get_hdr(packet));
	nfq_udp_mangle_ipv4(packet, 0, text_len, text, strlen(text));
	nfq_nlmsg_verdict_put_pkt(message, pktb_data(packet), pktb_len(packet));
	pktb_free(packet);
}

static void decide(uint32_t id, void *payload, size_t len, const char *text, size_t text_len)
{
	char data[0xffff + 8192];
	struct nlmsghdr *message;

	if (!strncmp(text, "batch", 5))
		return;
	message = nfq_nlmsg_put(data, !strncmp(text, "end", 3) ? NFQNL_MSG_VERDICT_BATCH :
				NFQNL_MSG_VERDICT, queue);
	nfq_nlmsg_verdict_put(message, id, strncmp(text, "drop", 4) ? NF_ACCEPT : NF_DROP);
	if (!strncmp(text, "mark ", 5))
		nfq_nlmsg_verdict_put_mark(message, strtoul(text + 5, NULL, 10));
	if (!strncmp(text, "change ", 7))
		change(message, payload, len, text_len, text + 7);
	message_send(message);
	done = !strncmp(text, "quit", 4);
}

static uint32_t word_of(const struct nlattr *attribute)
{
	return attribute ? ntohl(mnl_attr_get_u32(attribute)) : 0;
}

static int packet_take(const struct nlmsghdr *message, void *unused)
{
	struct nlattr *found[NFQA_MAX + 1] = { NULL };
	const struct nfqnl_msg_packet_hdr *header;
	char text[256] = "";
	uint8_t *payload;
	size_t len;

	(void)unused;
	if (nfq_nlmsg_parse(message, found) < 0 || !found[NFQA_PACKET_HDR])
		leave("parse");
	header = mnl_attr_get_payload(found[NFQA_PACKET_HDR]);
	payload = mnl_attr_get_payload(found[NFQA_PAYLOAD]);
	len = mnl_attr_get_payload_len(found[NFQA_PAYLOAD]);
	snprintf(text, sizeof(text), "%.*s", (int)(len - 28), (char *)payload + 28);
	printf("packet %u: protocol %#x, hook %u, mark %u, from %d, info %#x, cut %u, %zu bytes: %s\n",
	       ntohl(header->packet_id), ntohs(header->hw_protocol), header->hook,
	       word_of(found[NFQA_MARK]), found[NFQA_IFINDEX_INDEV] != NULL,
	       word_of(found[NFQA_SKB_INFO]), word_of(found[NFQA_CAP_LEN]), len, text);
	decide(ntohl(header->packet_id), payload, len, text, len - 28);
	return MNL_CB_OK;
}

int main(int argc, char **argv)
{
	char data[0xffff + 8192];
	ssize_t len;

	queue = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	sock = mnl_socket_open(NETLINK_NETFILTER);
	if (!sock || mnl_socket_bind(sock, 0, MNL_SOCKET_AUTOPID) < 0)
		leave("socket");
	port = mnl_socket_get_portid(sock);
	configure();
	while (!done) {
		len = mnl_socket_recvfrom(sock, data, sizeof(data));
		if (len < 0)
			leave("receive");
		if (mnl_cb_run(data, len, 0, port, packet_take, NULL) < 0)
			leave("message");
	}
	unbind();
	mnl_socket_close(sock);
	return 0;
}
