"""The *Export* dock widget: results of any dock, in any format, listed before they are written."""
