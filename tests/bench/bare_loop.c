/* The least that any program built on libpcap does with a file: count its packets. Prints packets,
 * bytes and CPU seconds (user and system); the yardstick of scripts/bench. */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

struct sums {
    uint64_t packets, bytes;
};

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *bytes)
{
    struct sums *sums = (struct sums *)(void *)user;
    (void)bytes;
    sums->packets++;
    sums->bytes += header->caplen;
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE];
    struct sums sums = {0};
    struct rusage usage;

    if (argc != 2) {
        fprintf(stderr, "usage: bare_loop FILE\n");
        return 2;
    }
    pcap_t *pcap = pcap_open_offline(argv[1], error);
    if (pcap == NULL) {
        fprintf(stderr, "bare_loop: %s\n", error);
        return 1;
    }
    int result = pcap_loop(pcap, -1, count, (u_char *)&sums);
    pcap_close(pcap);
    getrusage(RUSAGE_SELF, &usage);
    printf("packets %llu bytes %llu cpu_s %.3f\n", (unsigned long long)sums.packets,
           (unsigned long long)sums.bytes, seconds(usage.ru_utime) + seconds(usage.ru_stime));
    return result == 0 ? 0 : 1;
}
