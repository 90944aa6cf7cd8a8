"""What several folders of tests use: servers, peers, patients and their images."""
